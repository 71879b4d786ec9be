INSERT INTO recipient
SELECT id, id, 'it', repeat('c', 200), false, 1 FROM bench.citizen WHERE p >= %(first_citizen)s ORDER BY p;
INSERT INTO provider_name
SELECT bench.name(provider, d), bench.name(name, d), sequence
FROM provider_name, generate_series(greatest(1, %(first_district)s), %(districts)s - 1) d
WHERE bench.name(provider, d) IN (SELECT provider FROM bench.home);
