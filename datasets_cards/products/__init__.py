"""Builder of the product set: pictures of goods by category and colour."""
