"""The flow: its rows, the engine that walks them, its guards, clocks and money."""
