<?php
setcookie('seen', 'yes');
header('Location: /index.php?name=' . urlencode($_POST['name'] ?? ''));
