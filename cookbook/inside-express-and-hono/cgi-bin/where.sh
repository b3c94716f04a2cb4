#!/bin/sh
printf 'Content-Type: text/plain\n\nscript %s, path %s\n' "$SCRIPT_NAME" "$PATH_INFO"
