fn main() { println!("yinxin"); }
