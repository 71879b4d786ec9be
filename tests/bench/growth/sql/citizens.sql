-- New citizens, the same in every database.
INSERT INTO bench.citizen
SELECT p, bench.id(%(start)s, 1, p), h.comune, h.provider, h.offering
FROM generate_series(%(first_citizen)s::bigint, %(citizens)s - 1) p
JOIN bench.home h ON h.k = bench.draw(p, 5, (SELECT count(*) FROM bench.home))
ORDER BY p;
