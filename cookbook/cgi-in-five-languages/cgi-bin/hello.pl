#!/usr/bin/env perl
print "Status: 201 Created\nContent-Type: text/plain\n\n";
print "perl: path $ENV{PATH_INFO}, query $ENV{QUERY_STRING}\n";
