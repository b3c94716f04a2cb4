<?php
$rows = ['path' => $_SERVER['PATH_INFO'] ?? $_SERVER['REQUEST_URI'], 'query' => $_GET, 'PHP' => PHP_VERSION, 'by' => PHP_SAPI];
?>
<!doctype html>
<html lang="en">
<title>From PHP</title>
<link rel="stylesheet" href="/style.css">
<main><h1>From PHP</h1>
<table>
<?php foreach ($rows as $name => $value): ?>
<tr><th scope="row"><?= $name ?></th><td><?= htmlspecialchars(is_string($value) ? $value : json_encode($value)) ?></td></tr>
<?php endforeach ?>
</table></main>
