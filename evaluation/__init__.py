"""The measures: metrics with pinned definitions, and the tables made of them. Names no method's internals."""
