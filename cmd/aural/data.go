package main

import "github.com/spf13/cobra"

func (a *app) data() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "data",
		Short: "Make, check and divide stores of audio",
		Long: `A store is a folder of Arrow shards with 16 kHz mono utterances. Training reads it without
copying or decoding, and Hugging Face datasets opens its shards as they are.`,
	}, a.dataImport(), a.dataInfo(), a.dataShow(), a.dataVerify(), a.dataRepair(),
		a.dataMerge(), a.dataPush(), a.dataSplit(), a.dataSubset(), a.dataExport())
}
