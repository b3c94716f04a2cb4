#!/usr/bin/env python3
"""Draws the seeds of a sunflower; ?seeds= says how many."""
import math, os, urllib.parse

query = urllib.parse.parse_qs(os.environ["QUERY_STRING"])
seeds = min(int(query.get("seeds", ["300"])[0]), 2000)
print("Content-Type: image/svg+xml\n")
print('<svg xmlns="http://www.w3.org/2000/svg" viewBox="-110 -110 220 220" fill="#74d3bf">')
print('<rect x="-110" y="-110" width="220" height="220" fill="#14181a"/>')
for n in range(seeds):
    radius, angle = 100 * math.sqrt(n / seeds), n * 2.39996
    print(f'<circle cx="{radius * math.cos(angle):.1f}" cy="{radius * math.sin(angle):.1f}" r="{1 + radius / 50:.1f}"/>')
print("</svg>")
