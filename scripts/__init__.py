"""Entry points and the tools behind them."""
