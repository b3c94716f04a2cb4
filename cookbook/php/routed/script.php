<?php header("Content-Type: text/plain"); echo "a script\n";
