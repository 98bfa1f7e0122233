//! Who gets which answer from every operation: the table that `isolation.rs` holds the API to.

/// Operations that need no access token; asked without anything they need, by somebody who does not say who they are and
/// with a token that is worth nothing.
const OPEN: &str = "
                                        nobody  no good token
    POST   /auth/sign-up                422     422
    POST   /auth/confirm                422     422
    POST   /auth/confirm/resend         422     422
    POST   /auth/sign-in                422     422
    POST   /auth/refresh                401     401
    POST   /auth/sign-out               204     204
    POST   /auth/password/forgot        422     422
    POST   /auth/password/reset         422     422
    GET    /avatars/{name}              404     404
    GET    /letters/{token}             404     404
    GET    /unsubscribe/{token}         404     404
    POST   /unsubscribe/{token}         404     404
    DELETE /unsubscribe/{token}         404     404
    GET    /articles                    200     200
    GET    /articles.rss                200     200
    GET    /articles/{id}               404     401
    GET    /home                        200     200
    GET    /site                        200     200
    GET    /images/{name}               404     404
";

/// Operations on nothing in particular. Nobody without a session in good standing gets more than 401.
const AT_LARGE: &str = "
                                        user   manager  admin
    GET    /me                          200    200      200
    PATCH  /me                          200    200      200
    POST   /me/email                    422    422      422
    POST   /me/password                 422    422      422
    PUT    /me/avatar                   422    422      422
    DELETE /me/avatar                   204    204      204
    GET    /me/sessions                 200    200      200
    GET    /me/tokens                   200    200      200
    POST   /me/tokens                   201    201      201
    GET    /recipients                  200    200      200
    POST   /recipients                  201    403      201
    GET    /messages                    200    200      200
    POST   /messages                    201    403      201
    POST   /messages/preview            200    403      200
    GET    /mailings                    200    200      200
    POST   /mailings                    201    403      201
    POST   /occurrences/preview         200    200      200
    GET    /attempts                    200    200      200
    GET    /attempts.csv                200    200      200
    GET    /stats                       200    200      200
    GET    /stats.csv                   200    200      200
    GET    /stats/domains               200    200      200
    GET    /stats/mailings              200    200      200
    GET    /stats/mailings.csv          200    200      200
    GET    /suppressions                200    200      200
    POST   /suppressions                201    403      201
    GET    /smtp-servers                200    200      200
    POST   /smtp-servers                201    403      201
    GET    /users                       403    200      200
    GET    /invitations                 403    200      200
    POST   /invitations                 403    403      201
    GET    /events                      403    200      200
    POST   /articles                    403    201      201
    POST   /images                      403    422      422
";

/// Operations on one thing: asked for by its owner, a user; by others; by an administrator who owns such a thing; and
/// where there is none. 409 and 422 are answers to who was let through.
const ON_ONE_THING: &str = "
                                        what is a user's,        an admin's,  what nobody has,
                                        as user other mgr admin  as its owner as user mgr admin
    GET    /recipients/{id}             200  404  200 200        200          404  404  404
    PATCH  /recipients/{id}             200  404  403 403        200          404  404  404
    DELETE /recipients/{id}             204  404  403 403        204          404  404  404
    GET    /messages/{id}               200  404  200 200        200          404  404  404
    PATCH  /messages/{id}               200  404  403 403        200          404  404  404
    DELETE /messages/{id}               204  404  403 403        204          404  404  404
    POST   /messages/{id}/preview       200  404  200 200        200          404  404  404
    POST   /messages/{id}/test          202  404  403 403        202          404  404  404
    GET    /mailings/{id}               200  404  200 200        200          404  404  404
    PATCH  /mailings/{id}               200  404  403 403        200          404  404  404
    DELETE /mailings/{id}               204  404  403 403        204          404  404  404
    GET    /mailings/{id}/recipients    200  404  200 200        200          404  404  404
    GET    /mailings/{id}/occurrences   200  404  200 200        200          404  404  404
    GET    /mailings/{id}/live          200  404  200 200        200          404  404  404
    GET    /mailings/{id}/runs          200  404  200 200        200          404  404  404
    GET    /mailings/{id}/stats         200  404  200 200        200          404  404  404
    POST   /mailings/{id}/send          202  404  403 403        202          404  404  404
    POST   /mailings/{id}/pause         204  404  403 403        204          404  404  404
    POST   /mailings/{id}/resume        204  404  403 403        204          404  404  404
    POST   /mailings/{id}/cancel        409  404  403 403        409          404  404  404
    POST   /mailings/{id}/disable       403  404  204 204        204          404  404  404
    POST   /mailings/{id}/enable        403  404  204 204        204          404  404  404
    GET    /runs/{id}                   200  404  200 200        200          404  404  404
    GET    /runs/{id}/deliveries        200  404  200 200        200          404  404  404
    GET    /runs/{id}/failures          200  404  200 200        200          404  404  404
    POST   /runs/{id}/retry             409  404  403 403        409          404  404  404
    DELETE /suppressions/{id}           204  404  403 403        204          404  404  404
    GET    /users/{id}                  403  403  200 200        200          403  404  404
    PUT    /users/{id}/role             403  403  403 204        204          403  403  404
    GET    /users/{id}/quotas           403  403  200 200        200          403  404  404
    PUT    /users/{id}/quotas           403  403  403 200        200          403  403  404
    POST   /users/{id}/block            403  403  204 204        409          403  404  404
    POST   /users/{id}/unblock          403  403  204 204        204          403  404  404
    DELETE /invitations/{id}            403  403  403 204        204          403  403  404
    PATCH  /articles/{id}               403  403  200 200        200          403  404  404
    DELETE /articles/{id}               403  403  204 204        204          403  404  404
    PUT    /articles/{id}/image         403  403  422 422        422          403  404  404
    DELETE /articles/{id}/image         403  403  204 204        204          403  404  404
    POST   /articles/{id}/publish       403  403  204 204        204          403  404  404
    POST   /articles/{id}/unpublish     403  403  204 204        204          403  404  404
    GET    /smtp-servers/{id}           200  404  404 404        200          404  404  404
    PATCH  /smtp-servers/{id}           200  404  404 404        200          404  404  404
    DELETE /smtp-servers/{id}           204  404  404 404        204          404  404  404
    POST   /smtp-servers/{id}/test      200  404  404 404        200          404  404  404
    DELETE /me/sessions/{id}            204  404  404 404        204          404  404  404
    DELETE /me/tokens/{id}              204  404  404 404        204          404  404  404
";

/// An operation and the statuses it answers with, as the columns of its table have them.
pub(crate) struct Row<const N: usize> {
    pub(crate) method: &'static str,
    /// Below `/api/v1`.
    pub(crate) path: &'static str,
    pub(crate) answers: [u16; N],
}

impl<const N: usize> Row<N> {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// What the operation is about: the first part of its path, or what is one's own below `/me`.
    pub(crate) fn noun(&self) -> &'static str {
        let path = self.path.strip_prefix("/me/").unwrap_or(self.path);
        path.trim_start_matches('/').split('/').next().unwrap()
    }
}

pub(crate) fn open() -> Vec<Row<2>> {
    rows(OPEN)
}

pub(crate) fn at_large() -> Vec<Row<3>> {
    rows(AT_LARGE)
}

pub(crate) fn on_one_thing() -> Vec<Row<8>> {
    rows(ON_ONE_THING)
}

/// The operations of all tables.
pub(crate) fn names() -> Vec<String> {
    let open = open().iter().map(Row::name).collect::<Vec<_>>();
    let at_large = at_large().iter().map(Row::name).collect();
    let on_one_thing = on_one_thing().iter().map(Row::name).collect();
    [open, at_large, on_one_thing].concat()
}

/// The rows of a table, without its head.
fn rows<const N: usize>(table: &'static str) -> Vec<Row<N>> {
    let lines = table.lines().map(str::split_whitespace);
    lines.filter_map(row).collect()
}

fn row<const N: usize>(mut words: std::str::SplitWhitespace<'static>) -> Option<Row<N>> {
    let method = words.next()?;
    let path = words.next().filter(|path| path.starts_with('/'))?;
    let answers: Vec<u16> = words.map(|word| word.parse().unwrap()).collect();
    let answers = answers.try_into().expect("a status for every column");
    Some(Row {
        method,
        path,
        answers,
    })
}
