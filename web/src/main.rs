fn main() {
    println!("yinxin");
}
