//! The first start and the second.

mod house;

use house::{EC_CSR, House, SM2_CSR};
use serde_json::json;

#[tokio::test]
async fn a_first_start_issues_over_the_socket_in_both_families() {
    let house = House::trial().await;
    for (csr, issuer) in [(EC_CSR, "ec-issuing"), (SM2_CSR, "sm2-issuing")] {
        let answer = house.socket("cert/issue", json!({"csr": csr})).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.json()["issuer"], issuer);
    }
}
