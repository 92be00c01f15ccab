package bdkconfig

// Parse reads the content of a file with a name.
var Parse = parse
