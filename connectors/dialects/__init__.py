"""One module per kind of city system. A dialect is code once; an app that speaks it is a manifest."""
