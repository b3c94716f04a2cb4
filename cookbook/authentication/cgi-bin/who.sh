#!/bin/sh
printf 'Content-Type: text/plain\n\n%s by %s\n' "$REMOTE_USER" "$AUTH_TYPE"
