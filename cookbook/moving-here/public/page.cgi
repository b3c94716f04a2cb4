#!/bin/sh
printf 'Content-Type: text/plain\n\nhello from %s\n' "$SCRIPT_NAME"
