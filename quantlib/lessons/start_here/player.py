"""A player for sound. Its samples travel to a page that is open, and are not stored in the notebook."""

import io
import wave

import ipywidgets
from torch import Tensor

from quantlib.data.silero import RATE
from quantlib.lab import page


class Player:
    """Buttons that play a sound; audio: samples between -1 and 1, 16 000 a second; about: what is heard."""

    def __init__(self, audio: Tensor, about: str) -> None:
        self.audio, self.about = audio, about

    def wav(self) -> bytes:
        """Return the sound as a WAV file of 16 bits a sample."""
        file = io.BytesIO()
        with wave.open(file, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(RATE)
            sound.writeframes((self.audio.clamp(-1, 1) * 32_767).short().numpy().tobytes())
        return file.getvalue()

    def _ipython_display_(self) -> None:
        still = {"text/plain": f"{self.about} To hear it, run this cell."}
        still["text/html"] = f"<p>{still['text/plain']}</p>"
        widget = ipywidgets.Audio(value=self.wav(), format="wav", autoplay=False, loop=False)
        page.show(still, [ipywidgets.HTML(f"<p style='margin:4px 0'>{self.about}</p>"), widget])


def play_sound(audio: Tensor) -> Player:
    """Show buttons that play the sound of `synthesize_speech`."""
    return Player(audio, "Hear it: three voices that speak vowels, and between them clatter, hum and hiss.")
