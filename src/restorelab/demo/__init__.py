"""The web demo: restore a photograph, spoil and judge one, look inside of the networks. See demo/README.md."""
