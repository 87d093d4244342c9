"""Charts: rows on a logarithmic axis, dots, spreads; Vega-Lite draws them as SVG, in several processes at once.

Knows nothing of saved runs.
"""
