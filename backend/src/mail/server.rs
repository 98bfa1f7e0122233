//! tmp
#[derive(Debug, Clone)]
pub struct Server;
impl std::str::FromStr for Server {
    type Err = String;
    fn from_str(_: &str) -> Result<Self, String> {
        Ok(Server)
    }
}
