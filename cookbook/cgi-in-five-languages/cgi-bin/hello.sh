#!/bin/sh
echo 'Content-Type: text/plain'
echo
echo "sh: $REQUEST_METHOD $SCRIPT_NAME"
