"""Puts the packages together: the ``dojo`` command, its processes, and the embedded servers."""
