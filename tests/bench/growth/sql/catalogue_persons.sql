INSERT INTO person SELECT id, comune, 1 FROM bench.citizen WHERE p >= %(first_citizen)s ORDER BY p;
