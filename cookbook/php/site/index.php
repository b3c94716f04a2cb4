<?php
header('Content-Type: text/plain');
echo 'Hello ', $_GET['name'] ?? 'nobody', ' from ', $_SERVER['SCRIPT_NAME'], "\n";
