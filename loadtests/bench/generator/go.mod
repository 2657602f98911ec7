module live-dojo/loadtests/bench/generator

go 1.26
