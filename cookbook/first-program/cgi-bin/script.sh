#!/bin/sh
printf "Content-Type: text/plain\n\nfrom a script\n"
