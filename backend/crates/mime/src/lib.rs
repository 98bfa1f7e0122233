//! Internet messages: templates and their review, headers, bodies, addresses, and plain text made from HTML. Knows
//! nothing of the program that uses it.

mod bodies;
mod bounds;
mod compiled_template;
pub mod compose;
mod concealed;
pub mod email_address;
pub mod finding;
pub mod header;
pub mod html_tokens;
pub mod link_token;
pub mod links;
mod markup;
mod near_miss;
mod pattern;
mod placeholder_values;
mod placeholders;
pub mod plain_text;
pub mod render;
pub mod review;
mod style;
pub mod text;
pub mod text_position;
mod text_queries;
mod text_template;
mod transfer;
mod understood;
mod urls;
