"""Stylised faces in twin pairs: who they are (identity), how they look (portrait), how they are seen (capture)."""
