#!/usr/bin/env python3
import os
import sys

size = int(os.environ.get("CONTENT_LENGTH") or 0)
print("Content-Type: text/plain\n")
print("python:", len(sys.stdin.buffer.read(size)), "bytes came in")
