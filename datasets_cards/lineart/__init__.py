"""Builder of the line-art set: colour illustrations in, splits with drawings and references out."""
