package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
)

type order struct {
	Number string `json:"order"`
	details
}

// details are the data of order.placed: all but the number, which the aggregate says.
type details struct {
	Customer   string `json:"customer"`
	SKU        string `json:"sku"`
	Quantity   int    `json:"quantity"`
	PriceCents int    `json:"price_cents"`
}

// readOrders reads them line by line; an error names the line and what is wrong with it.
func readOrders(input io.Reader) iter.Seq2[order, error] {
	return func(yield func(order, error) bool) {
		lines := bufio.NewScanner(input)
		for number := 1; lines.Scan(); number++ {
			var o order
			decoder := json.NewDecoder(strings.NewReader(lines.Text()))
			decoder.DisallowUnknownFields()
			err := decoder.Decode(&o)
			if err == nil && (o.Number == "" || o.Customer == "" || o.SKU == "" || o.Quantity < 1 || o.PriceCents < 1) {
				err = fmt.Errorf("a field is missing: %+v", o)
			}
			if err != nil {
				err = fmt.Errorf("line %d is no order: %w", number, err)
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(order{}, err)
		}
	}
}

// generateOrders makes the orders that every example makes, in every language.
func generateOrders(count int) iter.Seq2[order, error] {
	customers, skus := []string{"ada", "bob", "mia"}, []string{"cup", "teapot"}
	return func(yield func(order, error) bool) {
		for n := 1; n <= count; n++ {
			o := order{strconv.Itoa(n), details{customers[n%3], skus[n%2], 1 + n%5, 2_500 * (1 + n%7)}}
			if !yield(o, nil) {
				return
			}
		}
	}
}
