"""Builder of the grocery set: photographs of fruit, vegetables and packages."""
