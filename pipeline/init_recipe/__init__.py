"""Recipes to start from: with every key, or made for a file by looking at it"""
