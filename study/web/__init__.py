"""The studies' pages: plain HTML over HTTP, state on the server, usable without JavaScript."""
