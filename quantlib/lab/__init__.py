"""The engine under the lessons: explorers, panels, exercises, predictions. It knows no lesson."""
