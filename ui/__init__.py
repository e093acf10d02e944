"""What the tabs share: models, limits, languages, widgets, theme. Knows gradio and `pipelines`, never `train`."""

from ui.limits import Limits
from ui.models import Models
from ui.services import Services

__all__ = ["Limits", "Models", "Services"]
