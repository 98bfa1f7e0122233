-- Domains are stored as A-labels, in which a part of a word cannot be found. These functions decode them for the search.

-- A label after its prefix `xn--`, by RFC 3492, 6.2; NULL if it is not valid.
CREATE FUNCTION decoded_label(encoded TEXT) RETURNS TEXT LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bare INTEGER := length(encoded) - strpos(reverse(encoded), '-');
    has_bare BOOLEAN := strpos(encoded, '-') > 0;
    decoded TEXT := CASE WHEN has_bare THEN left(encoded, bare) ELSE '' END;
    place INTEGER := CASE WHEN has_bare THEN bare + 2 ELSE 1 END;
    code BIGINT := 128;
    bias INTEGER := 72;
    i BIGINT := 0;
    old_i BIGINT;
    weight BIGINT;
    k INTEGER;
    t INTEGER;
    digit INTEGER;
    delta BIGINT;
    count INTEGER;
BEGIN
    WHILE place <= length(encoded) LOOP
        old_i := i;
        weight := 1;
        k := 36;
        LOOP
            digit := strpos('abcdefghijklmnopqrstuvwxyz0123456789', substr(encoded, place, 1)) - 1;
            IF place > length(encoded) OR digit < 0 OR weight > 2147483647 THEN
                RETURN NULL;
            END IF;
            place := place + 1;
            i := i + digit * weight;
            t := least(greatest(k - bias, 1), 26);
            EXIT WHEN digit < t;
            weight := weight * (36 - t);
            k := k + 36;
        END LOOP;
        count := length(decoded) + 1;
        delta := CASE WHEN old_i = 0 THEN (i - old_i) / 700 ELSE (i - old_i) / 2 END;
        delta := delta + delta / count;
        k := 0;
        WHILE delta > 455 LOOP
            delta := delta / 35;
            k := k + 36;
        END LOOP;
        bias := k + 36 * delta / (delta + 38);
        code := code + i / count;
        i := i % count;
        IF code > 1114111 OR code BETWEEN 55296 AND 57343 THEN
            RETURN NULL;
        END IF;
        decoded := overlay(decoded PLACING chr(code::integer) FROM i::integer + 1 FOR 0);
        i := i + 1;
    END LOOP;
    RETURN decoded;
END $$;

-- An address or a host with the labels of its domain in Unicode, as far as they are valid.
CREATE FUNCTION in_unicode(address TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT left(address, length(address) - length(domain)) || (
        SELECT coalesce(string_agg(
            CASE WHEN label LIKE 'xn--%' THEN coalesce(decoded_label(substr(label, 5)), label) ELSE label END,
            '.' ORDER BY number), '')
        FROM unnest(string_to_array(domain, '.')) WITH ORDINALITY AS labels (label, number))
    FROM (SELECT CASE WHEN strpos(address, '@') > 0 THEN split_part(address, '@', -1) ELSE address END AS domain) AS parts
$$;

-- Whether an address matches a pattern for its stored form, or one for its Unicode form. The latter is NULL where it would find
-- nothing else.
CREATE FUNCTION address_matches(address TEXT, stored TEXT, unicode TEXT) RETURNS BOOLEAN
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT address ILIKE stored
        OR (unicode IS NOT NULL AND address LIKE '%xn--%' AND in_unicode(address) ILIKE unicode)
$$;
