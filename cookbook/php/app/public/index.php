<?php
header('Content-Type: text/plain');
echo $_SERVER['REQUEST_METHOD'], ' ', parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH), ' by ', $_SERVER['SCRIPT_NAME'], "\n";
