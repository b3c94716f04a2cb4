<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (is_file(__DIR__ . $path)) {
    return false;
}
if ($path === '/old') {
    header('Location: /orders/17', true, 301);
    return;
}
header('Content-Type: text/plain');
echo $_SERVER['REQUEST_METHOD'], ' ', $path, ' ', $_GET['page'] ?? 1, "\n";
