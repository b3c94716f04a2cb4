#!/bin/sh
# Every line leaves as soon as it is written; close the page and this process is gone.
printf 'Content-Type: text/html; charset=utf-8\n\n'
printf '<!doctype html><html lang="en"><title>Count</title><link rel="stylesheet" href="/style.css"><body class="small">\n'
for n in 1 2 3 4 5 6 7 8; do
  printf '<p>%s of 8, at %s</p>\n' "$n" "$(date +%T)"
  sleep 0.5
done
printf '<p><b>Done.</b></p>\n'
