// The browser's part of touch.py. The picture's element is replaced whenever it changes, so the page is listened to.
function render({ model, el }) {
  const areas = model.get("areas");
  el.dataset.areas = JSON.stringify(areas); // for who looks at the page
  const image = target => target.closest?.(`.${model.get("picture")} img`);
  const now = () => document.querySelector(`.${model.get("picture")} img`);
  const held = new AbortController();
  let press = model.get("point")[2] ?? 0, dragging = null, began = null;

  function place(event, img) {
    const box = img.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
  }
  const touchable = ([x, y]) => areas.some(([left, low, right, high]) => left <= x && x <= right && low <= y && y <= high);
  function send(event) {
    const img = now();
    if (!img) return;
    const point = place(event, img);
    began ??= point;
    // While Python is busy only the last point is kept: each tells where it began, or a press could be lost.
    model.set("point", [...point, press, ...began]);
    model.save_changes();
  }
  function listen(name, does) {
    document.addEventListener(name, does, { signal: held.signal, passive: false });
  }
  listen("pointerdown", event => {
    const img = event.button === 0 && image(event.target);
    if (!img || !touchable(place(event, img))) return;
    event.preventDefault();
    dragging = event.pointerId;
    press += 1;
    began = null;
    send(event);
  });
  listen("pointermove", event => {
    const img = image(event.target);
    if (img && dragging === null) img.style.cursor = touchable(place(event, img)) ? "grab" : "";
    if (event.pointerId === dragging) send(event);
  });
  for (const end of ["pointerup", "pointercancel"])
    listen(end, event => { if (event.pointerId === dragging) dragging = null; });
  listen("dragstart", event => { if (image(event.target)) event.preventDefault(); });
  return () => held.abort();
}
export default { render };
