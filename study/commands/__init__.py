"""What `python -m study` does. These sit on top: they may ask pipelines and data sets for pictures."""
