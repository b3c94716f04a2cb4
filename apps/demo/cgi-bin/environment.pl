#!/usr/bin/env perl
use strict;
use warnings;
my %entity = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;');
print "Content-Type: text/html; charset=utf-8\n\n<!doctype html><html lang=\"en\"><title>Environment</title>",
  '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/style.css">',
  '<body class="small"><table>';
for my $name (sort keys %ENV) {
  (my $value = $ENV{$name}) =~ s/([&<>])/$entity{$1}/g;
  print "<tr><th scope=\"row\">$name</th><td>$value</td></tr>\n";
}
print "</table>\n";
