-- Comments are no part of messages any more: `{#` is text, as style sheets have it. What was written as a comment, with a space
-- inside its delimiters, was never mailed and is not to be from now on; neither is it shown where a mail is viewed in a
-- browser. The version that runs meanwhile mails the same without them.
-- A part that was nothing but comments keeps a space: it was there.
CREATE FUNCTION pg_temp.without_comments(template TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN template = '' THEN '' ELSE coalesce(nullif(regexp_replace(
        regexp_replace(regexp_replace(template, '\s*\{#-', '{# ', 'g'), '-#\}\s*', ' #}', 'g'),
        '\{#\s.*?\s#\}', '', 'g'), ''), ' ') END
$$;

UPDATE messages
SET subject = pg_temp.without_comments(subject), html = pg_temp.without_comments(html), text = pg_temp.without_comments(text)
WHERE strpos(subject, '{#') > 0 OR strpos(html, '{#') > 0 OR strpos(text, '{#') > 0;

UPDATE runs
SET subject = pg_temp.without_comments(subject), html = pg_temp.without_comments(html), text = pg_temp.without_comments(text)
WHERE strpos(subject, '{#') > 0 OR strpos(html, '{#') > 0 OR strpos(text, '{#') > 0;

DROP FUNCTION pg_temp.without_comments(TEXT);
