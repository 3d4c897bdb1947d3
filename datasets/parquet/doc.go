// Package parquet reads and writes Parquet files of recordings as the hub of Hugging Face has them: a column of structs of
// bytes, an encoded audio file, and path, beside columns of text.
//
// The Arrow library parses the footer and writes the files. Pages are read by code of our own, because the library's readers
// allocate by the sizes that they find, read a row group as a whole, and read columns in goroutines, where a panic over
// damaged data ends the program. Only flat columns are needed, so this is little code: thrift.go reads page headers, pages.go
// checks and decompresses pages, values.go decodes them. Sections are those of the Parquet format, github.com/apache/parquet-format.
//
// This is the only package that imports the library's Parquet, which links a great deal.
package parquet
