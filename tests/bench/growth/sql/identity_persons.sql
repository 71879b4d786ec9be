-- Sealed columns and keyed hashes are as long as the real ones; nobody opens them here. Half have an account.
INSERT INTO comune
SELECT c.code, bench.name(o.name, c.district) FROM bench.comune c JOIN comune o ON o.belfiore = c.original
WHERE c.district > 0 AND c.district >= %(first_district)s;
INSERT INTO person
SELECT id, repeat('s', 76), repeat('s', 76), repeat('s', 76), repeat('s', 70), comune, repeat('s', 110),
    repeat('s', 100), repeat('s', 84), 'it', id, %(start)s, NULL, 'register', NULL, 1
FROM bench.citizen WHERE p >= %(first_citizen)s ORDER BY p;
INSERT INTO codice_fiscale
SELECT sha256(id::text::bytea), id, repeat('s', 88), %(start)s, NULL FROM bench.citizen WHERE p >= %(first_citizen)s;
INSERT INTO account
SELECT bench.id(%(start)s, 12, p), id, sha256(id::text::bytea), repeat('s', 88), NULL, repeat('h', 97), %(start)s, NULL
FROM bench.citizen WHERE p >= %(first_citizen)s AND mod(p, 2) = 0;
