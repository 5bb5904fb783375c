fn main() { println!("gate"); }
