"""Builder of sets of square pictures with labels, grocery and products: what their own builders share."""
