#!/bin/sh
echo 'this is no header, and the log will say so'
