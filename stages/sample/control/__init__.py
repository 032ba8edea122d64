"""Thinking in pieces: after each one rules, then a controller, say whether it goes on, is taken back, or ends"""
