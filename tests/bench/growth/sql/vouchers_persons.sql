INSERT INTO person SELECT id, comune, 1 FROM bench.citizen WHERE p >= %(first_citizen)s ORDER BY p;
INSERT INTO provider
SELECT bench.name(slug, d), accreditations, sequence
FROM provider, generate_series(greatest(1, %(first_district)s), %(districts)s - 1) d
WHERE bench.name(slug, d) IN (SELECT provider FROM bench.home);
INSERT INTO budget
SELECT c.code, b.fund, b.year, b.allocated_cents, 0 FROM bench.comune c JOIN budget b ON b.comune = c.original
WHERE c.district > 0 AND c.district >= %(first_district)s;
