"""Figures for whoever reads them: intervals of shares, numbers as text, charts as pictures, the terminal."""
